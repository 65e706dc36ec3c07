// The chosen theme, before anything is painted. A file of its own: nothing may stand inline.
(() => {
  try {
    const theme = localStorage.getItem('ringwall.theme');
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
  } catch {
    // Storage may be forbidden: then the system's theme it is.
  }
})();
