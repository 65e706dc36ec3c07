// A browser's name and system out of its User-Agent header, for people to recognise. Pure; what it does not know it
// leaves as it came.

const BROWSERS: [RegExp, string][] = [
  [/Edg\/(\d+)/, 'Edge'],
  [/Firefox\/(\d+)/, 'Firefox'],
  [/Chrome\/(\d+)/, 'Chrome'],
  [/Version\/(\d+).*Safari/, 'Safari'],
];
const SYSTEMS: [RegExp, string][] = [
  [/Windows/, 'Windows'],
  [/Android/, 'Android'],
  [/iPhone|iPad/, 'iOS'],
  [/Mac OS X/, 'macOS'],
  [/Linux/, 'Linux'],
];

export function browserOf(agent: string): string {
  const browser = BROWSERS.find(([pattern]) => pattern.test(agent));
  if (!browser) return agent;
  const version = browser[0].exec(agent)?.[1] ?? '';
  const system = SYSTEMS.find(([pattern]) => pattern.test(agent))?.[1];
  return [`${browser[1]} ${version}`, system].filter(Boolean).join(', ');
}
