/** Without markup: messages use it too. */
// The first that fits: Edge and Opera call themselves Chrome as well, and Chrome calls itself Safari.
const BROWSERS = [
  ['Edge', /\bEdg(?:e|A|iOS)?\//],
  ['Opera', /\bOPR\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(?:Firefox|FxiOS)\//],
  ['Chrome', /\b(?:Chrome|CriOS|HeadlessChrome)\//],
  ['Safari', /\bSafari\//],
] as const;
const SYSTEMS = [
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Android', /\bAndroid\b/],
  ['Windows', /\bWindows\b/],
  ['Mac', /\bMac(?:intosh| OS X)\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['Linux', /\bLinux\b/],
] as const;

export type Device = { browser?: string; system?: string };

/** What a browser says of itself (User-Agent), in two words; it may say anything, so nothing depends on it. */
export function readDevice(userAgent: string): Device {
  const fits = ([, pattern]: readonly [string, RegExp]) => pattern.test(userAgent);
  return { browser: BROWSERS.find(fits)?.[0], system: SYSTEMS.find(fits)?.[0] };
}
