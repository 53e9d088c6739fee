import { parseArgs } from 'node:util';
import { faces } from './faces.js';
import { growth } from './growth.js';
import { hot } from './hot.js';
import { jwt } from './jwt.js';
import { list } from './list.js';
import { login } from './login.js';
import { memory } from './memory.js';
import { profile, PROFILED } from './profile.js';
import { publish } from './report.js';
import type { Suite } from './suite.js';

const SUITES: Readonly<Record<string, Suite>> = {
  ...{ hot, list, login, jwt, faces, memory, growth },
  ...Object.fromEntries(Object.keys(PROFILED).map((of) => [`profile ${of}`, () => profile(of)])),
};

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    beside: { type: 'string' },
    rounds: { type: 'string', default: '10' },
    note: { type: 'string' },
    readme: { type: 'boolean', default: false },
  },
});
const name = positionals.join(' ');
const suite = Object.hasOwn(SUITES, name) ? SUITES[name] : undefined;
if (suite === undefined) {
  const options = '[--rounds 10] [--beside DIRECTORY] [--note TEXT] [--readme]';
  process.stderr.write(`npm run bench -- SUITE ${options}\nSuites: ${Object.keys(SUITES).join(', ')}\n`);
  process.exitCode = 2;
} else {
  const tables = await suite({ beside: values.beside, rounds: Number(values.rounds) });
  const text = await publish(name, tables, { note: values.note, intoReadme: values.readme });
  process.stdout.write(`${text}\n`);
}
