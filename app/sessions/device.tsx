import { useWords } from '../i18n.ts';
import { Missing } from '../ui/empty.tsx';
import { sessions } from './messages.ts';
import { readDevice } from './user-agent.ts';

/** « Firefox sur Windows ». */
export function DeviceText({ userAgent }: { userAgent: string | null }) {
  const t = useWords(sessions);
  if (!userAgent) return <Missing />;
  const { browser, system } = readDevice(userAgent);
  if (browser && system) return <>{t.browserOn(browser, system)}</>;
  const known = browser ?? system;
  return known ? <>{known}</> : <Missing>{t.unknownBrowser}</Missing>;
}
