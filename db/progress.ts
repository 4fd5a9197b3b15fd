/** How far a long command is: a bar on a terminal, elsewhere a line every few seconds. On standard error. */
export type ProgressLine = {
  show(what: string, done: number, total: number): void;
  /** A sentence of its own. */
  say(sentence: string): void;
  end(): void;
};

export function progressLine(
  to: Pick<NodeJS.WriteStream, 'write' | 'isTTY' | 'columns'> = process.stderr,
): ProgressLine {
  let shown = to.isTTY ? 0 : Date.now(); // what is over in five seconds needs no line
  let open = false;
  const clear = () => {
    if (open) to.write('\r\x1b[K');
    open = false;
  };
  return {
    show(what, done, total) {
      if (Date.now() - shown < (to.isTTY ? 100 : 5_000)) return;
      shown = Date.now();
      const share = total > 0 ? Math.min(1, done / total) : 1;
      const text = `${String(Math.floor(share * 100)).padStart(3)} %  ${done}/${total} ${what}`;
      if (!to.isTTY) return void to.write(`${text.trim()}\n`);
      const bar = `${'█'.repeat(Math.floor(share * 30)).padEnd(30, '░')} ${text}`;
      to.write(`\r\x1b[K${bar.slice(0, (to.columns ?? 80) - 1)}`);
      open = true;
    },
    say(sentence) {
      clear();
      to.write(`${sentence}\n`);
    },
    end: clear,
  };
}
