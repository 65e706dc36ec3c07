// What a form tells its fields: what is wrong with each, by the field's name (the key in a problem).
import { getContext, setContext } from 'svelte';

export class FormState {
  errors = $state<Record<string, string>>({});
  busy = $state(false);
  dirty = $state(false);
  /** Names of the fields that are in the form: other keys' problems are told above it. */
  names = new Set<string>();

  error(name: string): string | undefined {
    return this.errors[name];
  }

  /** What was wrong with a field is forgotten as soon as it is changed. */
  touch(name: string): void {
    this.dirty = true;
    if (this.errors[name]) delete this.errors[name];
  }
}

const KEY = Symbol('form');

export function provideForm(state: FormState): void {
  setContext(KEY, state);
}

export function formOf(): FormState | undefined {
  return getContext<FormState | undefined>(KEY);
}
