// Loaded before a command that log-scale.ts measures: its largest memory in kilobytes and its CPU time in microseconds.
process.on('exit', () => {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  console.error('used', maxRSS, userCPUTime + systemCPUTime);
});
