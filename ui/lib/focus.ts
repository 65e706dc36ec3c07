// Keeps the focus on the page. Gives it back when dialogs close: the browser does so for one that is closed, not for one
// that leaves the page, and not for a row of them of which each opens the next.

let origin: HTMLElement | null = null;
let open = 0;

/** Where a page begins: what it is about. */
function toTheTop(): void {
  if (document.activeElement === document.body) document.querySelector<HTMLElement>('h1')?.focus();
}

/** Called before a list changes: whoever stands in a row that goes begins at the page's heading again. */
export function keepFocus(list: HTMLElement | undefined): void {
  const at = document.activeElement;
  if (!list || !at || !list.contains(at)) return;
  setTimeout(() => {
    if (!at.isConnected) toTheTop();
  });
}

/** Called before a dialog opens; what it returns, when it is gone. */
export function lendFocus(): () => void {
  const at = document.activeElement;
  if (open === 0 && at instanceof HTMLElement && at !== document.body) origin = at;
  open += 1;
  return () => {
    open -= 1;
    // Another dialog may take its place in the same breath.
    setTimeout(() => {
      if (open > 0 || (document.activeElement && document.activeElement !== document.body)) return;
      origin?.focus();
      // What opened it may be gone, as a deleted row; the page then begins anew.
      toTheTop();
    });
  };
}
