import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { requestsOf, type Target } from './load.js';

/** What does not count at the beginning: the reader's own code is slow until it is compiled. */
const WARMING_SECONDS = 1;

/** What the process of its own runs: requests at an even pace, whether or not the ones before were answered. */
const PROGRAM = `
  import http from 'node:http';
  import { json } from 'node:stream/consumers';
  import { setTimeout as sleep } from 'node:timers/promises';
  const { url, requests, perSecond, seconds } = await json(process.stdin);
  const agent = new http.Agent({ keepAlive: true });
  const send = ({ path, ...request }) => new Promise((resolve, reject) => {
    const start = performance.now();
    http.request(url + path, { ...request, agent }, (response) => {
      response.resume().on('end', () => resolve([response.statusCode, performance.now() - start]));
    }).on('error', reject).end();
  });
  for (const request of requests) await send(request); // opens a connection
  const begin = performance.now();
  const sent = [];
  for (let n = 0; n < perSecond * (${WARMING_SECONDS} + seconds); n++) {
    const due = begin + (n * 1000) / perSecond;
    while (performance.now() < due) await sleep(1);
    sent.push(send(requests[n % requests.length]));
  }
  const answers = await Promise.all(sent);
  process.stdout.write(JSON.stringify(answers.slice(perSecond * ${WARMING_SECONDS})));
`;

/**
 * Sends a target's requests at a pace, from a process of its own, so that a slow answer holds up no other request.
 * @throws Error when any answer was not a success
 */
export async function paced(
  target: Target,
  pace: { readonly perSecond: number; readonly seconds: number },
): Promise<{ p99Milliseconds: number }> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(JSON.stringify({ url: target.server.url, requests: requestsOf(target), ...pace }));
  const answers = JSON.parse(await text(child.stdout)) as [status: number, milliseconds: number][];
  const failed = answers.filter(([status]) => status >= 400).length;
  if (failed > 0) throw new Error(`${target.name}: ${failed} of ${answers.length} requests failed`);
  const times = answers.map(([, milliseconds]) => milliseconds).sort((a, b) => a - b);
  return { p99Milliseconds: times[Math.ceil(times.length * 0.99) - 1]! };
}
