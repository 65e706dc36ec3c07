// Where one is: the browser's history as state. Links are ordinary <a href>; clicks on them are caught here. A page
// with something unsaved registers a guard that is asked before one leaves.

type Guard = () => Promise<boolean>;

class Router {
  path = $state(location.pathname);
  query = $state(new URLSearchParams(location.search));
  /** Grows with each navigation to another page (not with a changed query). */
  visit = $state(0);
  #guards = new Set<Guard>();

  start(): () => void {
    const click = (event: MouseEvent) => this.#click(event);
    const back = () => void this.#back();
    document.addEventListener('click', click);
    window.addEventListener('popstate', back);
    return () => {
      document.removeEventListener('click', click);
      window.removeEventListener('popstate', back);
    };
  }

  /** Goes to a path of this console. */
  async go(url: string, how: 'push' | 'replace' = 'push'): Promise<boolean> {
    if (!(await this.#mayLeave())) return false;
    if (how === 'replace') history.replaceState(null, '', url);
    else history.pushState(null, '', url);
    this.#arrive();
    return true;
  }

  /** Changes the query of the page one is on: filters and the like, which then survive a reload. */
  filter(changes: Record<string, string | null | undefined>): void {
    const query = new URLSearchParams(this.query);
    for (const [key, value] of Object.entries(changes)) {
      if (value) query.set(key, value);
      else query.delete(key);
    }
    const text = query.toString();
    history.replaceState(null, '', text ? `${this.path}?${text}` : this.path);
    this.query = query;
  }

  /** Asks before one leaves the page; the answer removes the guard. */
  guard(ask: Guard): () => void {
    this.#guards.add(ask);
    return () => this.#guards.delete(ask);
  }

  #arrive(): void {
    this.path = location.pathname;
    this.query = new URLSearchParams(location.search);
    this.visit += 1;
  }

  async #mayLeave(): Promise<boolean> {
    for (const ask of this.#guards) if (!(await ask())) return false;
    return true;
  }

  async #back(): Promise<void> {
    const target = location.pathname + location.search + location.hash;
    if (this.#guards.size === 0) return this.#arrive();
    // The browser has gone already: come back until it is decided.
    const query = this.query.toString();
    history.pushState(null, '', query ? `${this.path}?${query}` : this.path);
    if (await this.#mayLeave()) {
      history.pushState(null, '', target);
      this.#arrive();
    }
  }

  #click(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest?.('a');
    if (!link || !link.href || link.target || link.hasAttribute('download')) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || url.pathname.startsWith('/api/')) return;
    // A jump within the page is the browser's.
    if (url.hash && url.pathname === location.pathname && url.search === location.search) return;
    event.preventDefault();
    void this.go(url.pathname + url.search + url.hash);
  }
}

export const router = new Router();
