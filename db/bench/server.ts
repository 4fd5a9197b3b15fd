// A server process of the bench: edge/node.ts as in production. Which door it opens is decided when it is bundled.
import { type Settings, serve } from '../../edge/node.ts';

export type Order = { serve: Settings } | 'cpu';
export type Report = { port: number } | { cpu: number };

const tell = (report: Report) => process.send?.(report);
let stop = async () => {};

process.on('message', async (order: Order) => {
  if (order === 'cpu') {
    const { user, system } = process.cpuUsage();
    tell({ cpu: user + system });
    return;
  }
  const server = await serve(order.serve);
  stop = server.stop;
  tell({ port: server.port });
});
process.on('disconnect', () => void stop().then(() => process.exit(0)));
