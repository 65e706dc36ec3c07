// Short notices and questions from anywhere: `toast("Saved")`, `await confirm({...})`. Shown by Toasts and
// ConfirmDialog, of which the shell has one each.

export interface Toast {
  id: number;
  text: string;
  kind: 'good' | 'bad';
}

// Long enough to be read; an error stays until it is dismissed.
const SHOWN_MS = 5_000;

class Toasts {
  list = $state<Toast[]>([]);
  #last = 0;

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  show(text: string, kind: Toast['kind']): void {
    const id = ++this.#last;
    this.list = [...this.list, { id, text, kind }].slice(-4);
    if (kind === 'good') setTimeout(() => this.dismiss(id), SHOWN_MS);
  }
}

export const toasts = new Toasts();

export function toast(text: string, kind: Toast['kind'] = 'good'): void {
  toasts.show(text, kind);
}

export interface Question {
  title: string;
  text: string;
  /** What the button does, as a verb. */
  action: string;
  danger?: boolean;
  /** What has to be typed before: for what can't be undone. */
  typed?: string;
}

class Questions {
  open = $state<Question | null>(null);
  #answer: ((yes: boolean) => void) | null = null;

  ask(question: Question): Promise<boolean> {
    this.#answer?.(false);
    this.open = question;
    return new Promise((resolve) => (this.#answer = resolve));
  }

  answer(yes: boolean): void {
    this.open = null;
    this.#answer?.(yes);
    this.#answer = null;
  }
}

export const questions = new Questions();

/** Asks before something is done; true if it is to be done. */
export function confirm(question: Question): Promise<boolean> {
  return questions.ask(question);
}
