// The objects of /api/v1, as the server writes them (crates/api/src/body.rs, crates/model). Times are RFC 3339 texts
// in UTC, durations numbers of seconds with `_s` in their name.

export type Permission = 'view' | 'operate' | 'configure' | 'administer' | 'reveal' | 'audit';
export type Role = 'full' | 'operator' | 'read-only' | 'auditor' | 'user';

export interface FieldProblem {
  key?: string;
  line?: number;
  column?: number;
  what: string;
  cure?: string;
}

export interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  problems?: FieldProblem[];
}

export interface SessionUser {
  login: string;
  name: string;
  role: Role;
  permissions: Permission[];
  second_factor: boolean;
}

export interface Session {
  state: 'setup' | 'signed-out' | 'second-factor' | 'signed-in';
  office: { name: string; language: string; time_zone?: string };
  user?: SessionUser;
  idle_s?: number;
  ends?: string;
}

export interface OpenSession {
  id: string;
  login: string;
  address: string;
  user_agent: string;
  since: string;
  last_seen: string;
  current: boolean;
}

export interface Token {
  id: string;
  name: string;
  permissions: Permission[];
  from: string[];
  created: string;
  created_by: string;
  expires: string | null;
  last_used: string | null;
}

export interface AuditEntry {
  id: number;
  time: string;
  author: string;
  action: string;
  object: string;
  detail: string;
  address: string | null;
  outcome: string;
}

export type Transport = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';

export interface Listener {
  service: string;
  transport: Transport;
  address: string;
  port: number;
  /** `listening`, or `failed: WHY`. */
  state: string;
}

export interface Lock {
  cause: string;
  by: string;
  since: string;
}

export interface Status {
  version: string;
  node: number;
  started: string;
  uptime_s: number;
  revision: number;
  registrations: number;
  calls: number;
  lock: Lock | null;
  held: {
    transactions: number;
    dialogs: number;
    subscriptions: number;
    legs: number;
    media_ports: number;
    connections: number;
    file_handles: number;
  };
  vault: string;
  kernel_offload: string;
  troubles: { part: string; since: string | null; why: string; cure: string }[];
  blocks: number;
  listeners: Listener[];
  dropped: { denied: number; malformed: number; shed: number; unsent: number; unstored: number; log_lines: number };
  shed: {
    in_progress: number;
    credentialed: number;
    familiar: number;
    unknown: number;
    late: number;
    unread: number;
    connections: number;
    idlers: number;
    slow: number;
  };
}

export type CallState = 'dialling' | 'ringing' | 'answered' | 'held';

export interface CallSide {
  codec: string | null;
  encrypted: boolean;
  loss_percent: number | null;
  jitter_ms: number | null;
  rtt_ms: number | null;
}

export interface Call {
  id: string;
  from: string;
  to: string;
  state: CallState;
  started: string;
  answered: string | null;
  caller_source: string;
  callee_source: string | null;
  caller: CallSide;
  callee: CallSide;
}

export interface Registration {
  extension: string;
  line: string;
  contact: string;
  source: string;
  transport: Transport;
  user_agent: string;
  registered: string;
  expires_in_s: number;
  reachable: boolean;
}

export type CallResult =
  | 'answered'
  | 'busy'
  | 'no-answer'
  | 'cancelled'
  | 'refused'
  | 'failed'
  | 'blacklisted'
  | 'locked';
export type Direction = 'internal' | 'incoming' | 'outgoing';

export interface CallRecord {
  id: string;
  from: string;
  to: string;
  direction: Direction;
  started: string;
  answered: string | null;
  ended: string | null;
  duration_s: number;
  result: CallResult | null;
  reason: string;
  route: string;
}

export interface CallStory {
  record: CallRecord;
  story: { time: string; text: string }[];
}

export interface DialPlanEntry {
  number: string;
  kind: 'extension' | 'service';
  name: string;
  target: string;
}

export interface AttackedAccount {
  account: string;
  exists: boolean;
  failures: number;
  addresses: number;
  first: string;
  last: string;
  blocked: boolean;
  spread: boolean;
}

export interface AttackingAddress {
  address: string;
  failures: number;
  accounts: number;
  services: string[];
  last: string;
  blocked: boolean;
  /** The account that somebody signed in to from there after the failures. */
  entered?: string | null;
}

export interface Attacks {
  accounts: AttackedAccount[];
  addresses: AttackingAddress[];
  timeline: { time: string; failures: number; blocks: number }[];
  sentence: string;
}

export interface Block {
  address: string;
  scope: 'address' | 'account';
  service: string;
  accounts: string[];
  accounts_tried: number;
  user_agents: string[];
  failures: number;
  first: string | null;
  last: string | null;
  until: string | null;
  by: string;
  evidence: string;
}

export interface Finding {
  id: string;
  weight: 'low' | 'medium' | 'high';
  what: string;
  cure: string;
}

export interface Check {
  score: number;
  findings: Finding[];
}

export interface PortRow {
  r: string;
  service: string;
  transport: Transport;
  from?: string[];
  address: string | null;
  first: number;
  last: number;
  outbound: string;
  inbound: string;
  reason: string;
  state: string;
}

export interface Certificates {
  authority: { certificate: string; fingerprint_sha256: string; subject: string; expires: string };
  local: boolean;
  shown: { subject: string; issuer: string; expires: string; covers: string[] }[];
}

export interface LogLine {
  time: string;
  level: 'debug' | 'info' | 'warning' | 'error';
  event: string;
  text: string;
}

export interface Revision {
  number: number;
  time: string;
  author: string;
  changes: number;
  summary: string;
}

export interface RevisionDetail {
  number: number;
  time: string;
  author: string;
  difference: string[];
  changes: unknown[];
}

export interface Applied {
  revision: number;
  changed: boolean;
  difference: string[];
  lost: string[];
  notes: string[];
}

/** The answer to a write of a configuration object. */
export interface Written<T> {
  revision: number;
  object: T;
  notes: string[];
}

export interface Line {
  username: string;
  digest: string;
  registered?: number;
}

export interface Extension {
  number: string;
  description: string;
  nat: boolean;
  encryption: string;
  lines: Line[];
  forwarding: {
    always: string | null;
    busy: string | null;
    no_answer: { to: string; after: string } | null;
    unreachable: string | null;
  };
  do_not_disturb: boolean;
  users: string[];
  registered: number;
  etag?: string;
}

export interface User {
  login: string;
  name: string;
  email: string | null;
  role: Role;
  extensions: string[];
  second_factor: boolean;
  etag?: string;
}

export interface AddressGroup {
  name: string;
  members: string[];
  used_by: string[];
  addresses: number;
  unresolved: string[];
  etag?: string;
}

export interface FirewallRow {
  service: string;
  key: string;
  group: string | null;
  recommendation: string;
  text: string;
}

export interface Pending {
  until: string;
  by?: string;
  seconds: number;
}

export interface Firewall {
  rows: FirewallRow[];
  pending: Pending | null;
}

export type LiveResource = 'registrations' | 'calls' | 'history' | 'blocks' | 'attacks' | 'lock' | 'revisions';

export interface SetupProposals {
  address: string;
  firewall: { group_members: string[] };
  time_zones: string[];
  domain: string;
  name: string | null;
  time_zone: string | null;
  extensions: string[];
}

export interface SetupPhone {
  extension: string;
  username: string;
  password: string;
  server: string;
  port: number;
  transports: Transport[];
}
