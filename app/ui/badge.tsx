import type { ComponentChildren } from 'preact';
import { Icon, type Shape, type Tone } from './icon.tsx';

/** States a fact in words; never clicked. The shape repeats the word, the colour repeats the shape. */
export function Badge({ tone, shape, children }: { tone?: Tone; shape?: Shape; children: ComponentChildren }) {
  const drawn = shape ?? tone;
  return (
    <span class="badge" data-tone={tone}>
      {drawn ? <Icon shape={drawn} /> : null}
      {children}
    </span>
  );
}
