// The objects of /api/v1, as docs/openapi.json describes them (`npm run types` makes `openapi.d.ts` of it). Here are the
// names that the pages use, and what the description can't say. Times are RFC 3339 texts in UTC, durations numbers of
// seconds with `_s` in their name.
import type { components } from './openapi';

type Schemas = components['schemas'];
/** What the server fills in and a writer may leave out is there when it is read. */
type Read<T> = { [K in keyof T]-?: Exclude<T[K], undefined> };
/** `T` with some of its texts named one by one. */
type Narrow<T, N> = Omit<T, keyof N> & N;

export type Permission = Schemas['Permission'];
export type Role = 'full' | 'operator' | 'read-only' | 'auditor' | 'user';
export type Transport = Schemas['Transport'];

export interface FieldProblem {
  key?: string;
  line?: number;
  column?: number;
  what: string;
  cure?: string;
}
export type ProblemBody = Narrow<Schemas['Problem'], { problems?: FieldProblem[] }>;

export type SessionUser = Narrow<Schemas['UserView'], { role: Role }>;
export type Session = Narrow<
  Schemas['SessionView'],
  { state: 'setup' | 'signed-out' | 'second-factor' | 'signed-in'; user?: SessionUser }
>;
export type OpenSession = Schemas['SessionRow'];
export type Token = Schemas['Token'];
export type AuditEntry = Schemas['AuditRow'];

export type Listener = Schemas['Listener'];
export type Lock = Schemas['Lock'];
export type Status = Schemas['Status'];

export type CallState = Schemas['CallState'];
export type CallSide = Schemas['Side'];
export type Call = Schemas['Call'];
export type Registration = Schemas['Registration'];
export type CallResult = Schemas['CallResult'];
export type Direction = Schemas['Direction'];
export type CallRecord = Schemas['CallRecord'];
export type CallStory = Schemas['CallStory'];
export type DialPlanEntry = Schemas['DialPlanRow'];

export type AttackedAccount = Schemas['TriedAccount'];
export type AttackingAddress = Schemas['Attacker'];
export type Attacks = Schemas['AttackView'];
export type UserTold = Schemas['UserTold'];
export type Block = Schemas['Block'];
export type Finding = Schemas['Finding'];
export type Check = Schemas['Check'];
export type PortRow = Schemas['PortRow'];
export type Certificates = Schemas['Certificates'];

export type Revision = Schemas['Revision'];
export type RevisionDetail = Schemas['RevisionDetail'];
export type Applied = Schemas['Applied'];
/** The answer to a write of a configuration object. */
export type Written<T> = Narrow<Schemas['Written'], { object: T }>;

export type Line = Schemas['Line'];
export type Extension = Narrow<Read<Schemas['Extension']>, { forwarding: Forwarding }>;
/** Where calls go instead; what is not set is there as `null`. */
export type Forwarding = Narrow<Read<Schemas['Forwarding']>, { no_answer: { to: string; after: string } | null }>;
export type Imported = Schemas['Imported'];
export type User = Narrow<Read<Schemas['User']>, { role: Role }>;
export type AddressGroup = Read<Schemas['AddressGroup']>;

export type FirewallRow = Schemas['FirewallRow'];
export type Pending = Schemas['Pending'];
export type Firewall = Schemas['Firewall'];

/** What `GET /events` names when it changes. */
export type LiveResource = 'registrations' | 'calls' | 'history' | 'blocks' | 'attacks' | 'lock' | 'revisions';

/** The answer to the right set-up code: what the steps begin with. */
export type SetupProposals = Schemas['CodeProposals'];
export type SetupPhone = Schemas['Phone'];
