import { createServer } from 'node:http';
import process from 'node:process';

/** Serves requests where the bench wants them, and says where that is; ends when it is told to. */
export function listen(handler) {
  const server = createServer({ keepAliveTimeout: 65_000 }, handler); // as Latchkey's: nobody is cut off mid-way
  server.listen(Number(process.env.PORT), process.env.HOST, () => {
    process.stdout.write(`listens on http://${process.env.HOST}:${server.address().port}\n`);
  });
  process.once('SIGTERM', () => process.exit(0));
  return server;
}
