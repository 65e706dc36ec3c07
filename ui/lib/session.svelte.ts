// Who is signed in, as the server says it (GET /session). Signing in again over a page is asked here too: requests
// that met an ended session wait until it is done.
import { api, onSignedOut, request } from './api';
import { useZone } from './format';
import type { Permission, Session } from './types';

class CurrentSession {
  /** Null until the server has answered for the first time. */
  current = $state<Session | null>(null);
  /** Whether the sign-in dialog lies over the page. */
  asking = $state(false);
  #waiting: (() => void)[] = [];

  get user() {
    return this.current?.user;
  }

  can(permission: Permission): boolean {
    return this.current?.user?.permissions.includes(permission) ?? false;
  }

  take(session: Session): void {
    const before = this.current?.user?.login;
    if (this.asking && session.state === 'signed-in' && before && before !== session.user?.login) {
      // Somebody else: what lies below is not theirs.
      location.reload();
      return;
    }
    // Over an ended session the page stays as it is, with what was typed, until somebody is signed in again.
    if (this.current?.state !== 'signed-in' || session.state === 'signed-in') {
      this.current = session;
      useZone(session.office.time_zone ?? undefined);
    }
    if (session.state === 'signed-in') this.#resume();
  }

  async load(): Promise<Session> {
    const { data } = await request<Session>('GET', '/session', { signIn: true });
    this.take(data);
    return data;
  }

  async signIn(login: string, password: string): Promise<Session> {
    const session = await api.post<Session>('/session', { login, password }, { signIn: true });
    this.take(session);
    return session;
  }

  async secondFactor(code: string): Promise<Session> {
    const session = await api.post<Session>('/session/second-factor', { code }, { signIn: true });
    this.take(session);
    return session;
  }

  async signOut(): Promise<void> {
    await request('DELETE', '/session', { signIn: true }).catch(() => undefined);
    // A fresh start: nothing of the last person stays in memory.
    location.assign('/');
  }

  /** Asks for the password over the page; kept once somebody is signed in. */
  again(): Promise<void> {
    this.asking = true;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #resume(): void {
    this.asking = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

export const session = new CurrentSession();
onSignedOut(() => session.again());
