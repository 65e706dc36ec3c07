// What the first run collects, and to which step each answer belongs. Nothing is sent before the last step.
import { api, type Problem } from '$lib/api';
import type { SetupPhone, SetupProposals } from '$lib/types';

export const STEPS = ['code', 'administrator', 'office', 'network', 'extensions', 'mail', 'phones'] as const;
export type Step = (typeof STEPS)[number];

// The first word of a problem's key tells the step that it belongs to.
const STEP_OF: Record<string, Step> = {
  code: 'code',
  login: 'administrator',
  password: 'administrator',
  name: 'office',
  time_zone: 'office',
  language: 'office',
  domain: 'office',
  network: 'network',
  firewall: 'network',
  first_extension: 'extensions',
  second_extension: 'extensions',
  mail: 'mail',
};

export class Wish {
  code = $state('');
  login = $state('admin');
  password = $state('');
  repeated = $state('');
  name = $state('');
  timeZone = $state(Intl.DateTimeFormat().resolvedOptions().timeZone);
  language = $state('en');
  domain = $state('');
  localMembers = $state<string[]>([]);
  publicAddress = $state('');
  members = $state<string[]>([]);
  web = $state(true);
  sip = $state(false);
  /** Somebody is to be kept out, and nobody let in. */
  readonly nobodyIn = $derived((this.web || this.sip) && this.members.length === 0);
  first = $state('101');
  second = $state('102');
  mailOn = $state(false);
  mailHost = $state('');
  mailPort = $state<number | null>(587);
  mailSecurity = $state<'starttls' | 'tls' | 'none'>('starttls');
  mailUser = $state('');
  mailPassword = $state('');
  mailFrom = $state('');
  proposals = $state<SetupProposals | null>(null);
  phones = $state<SetupPhone[]>([]);

  async enter(): Promise<void> {
    const { proposals } = await api.post<{ proposals: SetupProposals }>('/setup/code', { code: this.code.trim() }, { signIn: true });
    this.proposals = proposals;
    this.domain ||= proposals.domain;
    this.name ||= proposals.name ?? '';
    this.timeZone = proposals.time_zone ?? this.timeZone;
    [this.first = this.first, this.second = this.second] = proposals.extensions;
    if (this.members.length === 0) this.members = [...proposals.firewall.group_members];
  }

  async send(): Promise<void> {
    const { phones } = await api.post<{ phones: SetupPhone[] }>('/setup', this.#body(), { signIn: true });
    this.phones = phones;
    this.password = this.repeated = this.mailPassword = '';
  }

  #body(): object {
    const mail = {
      host: this.mailHost.trim(),
      port: this.mailPort,
      security: this.mailSecurity,
      username: this.mailUser.trim(),
      password: this.mailPassword || null,
      from: this.mailFrom.trim(),
    };
    return {
      login: this.login.trim(),
      password: this.password,
      name: this.name.trim(),
      time_zone: this.timeZone,
      language: this.language,
      domain: this.domain.trim(),
      first_extension: this.first.trim(),
      second_extension: this.second.trim() || null,
      mail: this.mailOn ? mail : null,
      network: { local_members: this.localMembers, public_address_v4: this.publicAddress.trim() || null },
      firewall: { web: this.web, sip: this.sip, members: this.members },
    };
  }
}

/** The first step that has something to mend. */
export function stepOf(problem: Problem): Step | null {
  const steps = problem.problems.map(({ key }) => STEP_OF[(key ?? '').split('.')[0] ?? '']).filter((step) => step !== undefined);
  return steps.sort((one, other) => STEPS.indexOf(one) - STEPS.indexOf(other))[0] ?? null;
}
