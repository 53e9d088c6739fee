import type { AddressInfo } from 'node:net';
import { PinoLogger } from 'nestjs-pino';
import { auditLine } from '../../src/events/audit-event.js';
import { drain } from '../../src/http/open-responses.js';
import { Shutdown } from '../../src/http/shutdown.js';
import { createWebServer } from '../../src/http/web-server.js';
import { smallApp } from './small-app.js';

/** A process of its own: prints its port as the first line, then its log; takes `DRAIN_SECONDS` to stop. */
const app = await createWebServer(smallApp({ LOG_LEVEL: 'debug' }));
const log = await app.resolve<PinoLogger>(PinoLogger);
const shutdown = new Shutdown(log);
shutdown.add(1, () => Promise.resolve(console.log('{"msg":"last step"}')), true);
shutdown.add(3, () => app.close());
shutdown.add(10, () => drain(app.getHttpServer(), Number(process.env.DRAIN_SECONDS)));
shutdown.listen();
await app.listen(0, '127.0.0.1');
console.log((app.getHttpServer().address() as AddressInfo).port);
log.info(
  auditLine({ action: 'request', outcome: 'refused', reason: 'a\r\n{"forged":1}\x1b[31m\u2028' }),
  'audit',
);
