// How good a password looks, for the bar below the field. The server alone decides whether it is taken.

export const LEAST = 10;

/** 0 (too short) to 4 (strong), by length and variety; repetition and sequences do not count. */
export function strength(password: string): 0 | 1 | 2 | 3 | 4 {
  const characters = [...password];
  if (characters.length < LEAST) return 0;
  let counted = 0;
  characters.forEach((character, index) => {
    const step = character.charCodeAt(0) - (characters[index - 1]?.charCodeAt(0) ?? -99);
    if (Math.abs(step) > 1) counted += 1;
  });
  const kinds = [/\p{Ll}/u, /\p{Lu}/u, /\d/, /[^\p{L}\d]/u].filter((kind) => kind.test(password)).length;
  const score = counted + kinds * 2 + new Set(characters).size / 2;
  if (score < 15) return 1;
  if (score < 20) return 2;
  return score < 26 ? 3 : 4;
}
