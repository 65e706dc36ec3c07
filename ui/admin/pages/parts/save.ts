// A file made by the browser. Not here: what is in it.

/** Long enough for every browser to have begun reading. */
const KEPT_MS = 10_000;

/** Offers `text` as a file of this name. */
export function save(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}
