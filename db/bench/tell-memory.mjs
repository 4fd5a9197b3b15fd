// Loaded before a command that log-scale.ts measures: its largest memory, in kilobytes, when it ends.
process.on('exit', () => console.error('memory', process.resourceUsage().maxRSS));
