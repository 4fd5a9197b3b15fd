// How far long work has come: a bar on a terminal, a line every few seconds where there is none.

export type Bar = { show(done: number, total: number, what?: string): void; end(): void };

/** On standard error, so that the result can be piped. */
export function progressBar(unit: string): Bar {
  const terminal = process.stderr.isTTY === true;
  let drawn = 0;
  return {
    show(done, total, what = '') {
      if (Date.now() - drawn < (terminal ? 50 : 3000) && done < total) return;
      drawn = Date.now();
      const share = total > 0 ? Math.min(done / total, 1) : 1;
      const percent = `${String(Math.floor(share * 100)).padStart(3)} %  ${done} of ${total} ${unit}${what && `  ${what}`}`;
      const bar = '█'.repeat(Math.floor(share * 30)).padEnd(30, '░');
      process.stderr.write(
        terminal
          ? `\r\x1b[K${`${bar} ${percent}`.slice(0, (process.stderr.columns ?? 80) - 1)}`
          : `${percent.trim()}\n`,
      );
    },
    end() {
      if (terminal) process.stderr.write('\r\x1b[K');
    },
  };
}
