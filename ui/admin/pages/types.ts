// Sections of the settings, as `/settings/{section}` has them: keys as in the file, spans of time as texts. What is
// not set is `null` or not there at all.


export type {
  AttackedAccount,
  AttackingAddress,
  Attacks,
  UserTold,
  Block,
  AddressGroup,
  Extension,
  User,
  Registration,
  Pending,
  Firewall,
  PortRow,
  Certificates,
  Revision,
  RevisionDetail,
  Applied,
} from '$lib/types';
export type { OpenSession as Session } from '$lib/types';

export interface GuessingSettings {
  attempts: number;
  period: string;
  block: string;
  warn_email: string;
  known: 'account' | 'address';
  trusted: string | null;
  slow: { attempts: number; period: string } | null;
}
export interface FirewallSettings {
  web: string | null;
  sip: string | null;
  provisioning: string | null;
  crm: string | null;
  snmp: string | null;
  confirm_within: string;
}
export type FirewallKey = 'web' | 'sip' | 'provisioning' | 'crm' | 'snmp';
export interface SystemSettings {
  name: string;
  time_zone: string;
  language: string;
  domain: string;
  aliases: string[];
  realm: string | null;
  country: string | null;
  international_prefix: string;
  national_prefix: string;
  drain: string;
}
export interface NetworkSettings {
  local: string | null;
  public_address_v4: string | null;
  public_address_v6: string | null;
  trusted_proxies: string[];
  kernel_offload: string;
}
export interface ListenSettings {
  sip_udp: string[];
  sip_tcp: string[];
  sip_tls: string[];
  console?: string[];
  media_ports: string;
}
export interface SipSettings {
  min_expires: string;
  max_expires: string;
  keep_alive: string;
  dead_media: string;
  ring_timeout: string;
  session_expires: string;
  session_min: string;
}
export interface TlsSettings {
  certificate: string | null;
  key: string | null;
  uploaded?: string | null;
}
export interface LogSettings {
  rotate_size: string;
  keep: number;
}
export interface MailSettings {
  host: string | null;
  port: number | null;
  security: 'none' | 'starttls' | 'tls';
  username: string | null;
  password_set: boolean;
  from: string | null;
  retry: string;
  timeout: string;
  digest: string;
}
