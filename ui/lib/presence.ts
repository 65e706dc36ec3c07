// Whether somebody is at this window. What pages ask by themselves while nobody is, because something changed elsewhere, is
// marked, so that the server does not take it for use of the session.

/** The header that marks it. */
export const BY_ITSELF = 'X-Ringwall-By-Itself';
/** Who did nothing for so long may have gone. */
const PRESENT_MS = 60_000;
const SIGNS = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'] as const;

// Who opens a window is there.
let last = Date.now();

/** Looks for signs of somebody; the answer ends it. */
export function watchPresence(window: EventTarget): () => void {
  const seen = () => (last = Date.now());
  for (const sign of SIGNS) window.addEventListener(sign, seen, { passive: true, capture: true });
  return () => {
    for (const sign of SIGNS) window.removeEventListener(sign, seen, { capture: true });
  };
}

/** Marks what is only read, if nobody is there. */
export function markPresence(headers: Headers): void {
  if (Date.now() - last >= PRESENT_MS) headers.set(BY_ITSELF, '1');
}
