/** Made by bundle.ts when a worker is built; the compiler needn't wait for it. */
declare module '*/dist/static.json' {
  const files: Record<string, { body: string; type: string }>;
  export default files;
}
