/** How long to wait, in words: seconds up to a minute and a half, minutes from there on, rounded up. A figure stays with its unit. */
export const waiting = {
  fr: (seconds: number): string =>
    seconds > 90 ? `${Math.ceil(seconds / 60)}\u00a0minutes` : seconds > 1 ? `${seconds}\u00a0secondes` : 'une seconde',
  en: (seconds: number): string =>
    seconds > 90 ? `${Math.ceil(seconds / 60)}\u00a0minutes` : seconds > 1 ? `${seconds}\u00a0seconds` : 'a second',
} as const;
