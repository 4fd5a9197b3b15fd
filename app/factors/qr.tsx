import { encode } from 'uqr';

/**
 * A QR code as SVG: one path, dark on light in both themes, with the quiet zone of four modules that readers want
 * (ISO/IEC 18004). No style attributes: the policy forbids them.
 */
export function QrCode({ text, label }: { text: string; label: string }) {
  const { data, size } = encode(text, { ecc: 'M', border: 4 });
  const path = data
    .map((row, y) =>
      runsOf(row)
        .map(([x, width]) => `M${x} ${y}h${width}v1h-${width}z`)
        .join(''),
    )
    .join('');
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shape-rendering="crispEdges">
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}

/** Where dark runs begin in a row, and how wide they are: a third of what each module for itself would take. */
function runsOf(row: readonly boolean[]): [x: number, width: number][] {
  const runs: [number, number][] = [];
  for (let x = 0; x < row.length; x++) {
    const last = runs.at(-1);
    if (!row[x]) continue;
    if (last && last[0] + last[1] === x) last[1]++;
    else runs.push([x, 1]);
  }
  return runs;
}
