import { InvalidArgumentError, type Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { OPERATOR } from '../caller.js';
import { parseStrictJson } from '../json-api/strict-json.js';
import type { JwtTemplate } from '../keys/jwt-template.entity.js';
import { JwtTemplatesService } from '../keys/jwt-templates.service.js';
import type { Common } from './common-options.js';
import { FileError, UsageError } from './failure.js';
import { Output } from './output.js';
import { withService } from './service.js';

/** Adds `latchkey templates …`. */
export function addTemplates(program: Command): void {
  const templates = program
    .command('templates')
    .description('Named shapes of JWTs that applications ask for');
  templates
    .command('set <name>')
    .description('Add a template, or put it in the place of the one with its name')
    .option(
      '--claims <json>',
      'the claims, e.g. \'{"aud": "api", "email": "{{user.primary_email_address}}"}\'',
    )
    .option('--file <path>', 'a file that holds the claims')
    .option('--lifetime <seconds>', 'how long its tokens are good for, 30 to 3600', readSeconds, 60)
    .action((name: string, _options, command: Command) => set(name, command.optsWithGlobals()));
  templates
    .command('list')
    .description('Show all templates')
    .action((_options, command: Command) => list(command.optsWithGlobals()));
  templates
    .command('show <name>')
    .description('Show the claims of a template')
    .action((name: string, _options, command: Command) => show(name, command.optsWithGlobals()));
  templates
    .command('remove <name>')
    .description('Take a template away; tokens that were made of it stay valid until they expire')
    .action((name: string, _options, command: Command) => remove(name, command.optsWithGlobals()));
}

interface Draft extends Common {
  readonly claims?: string;
  readonly file?: string;
  readonly lifetime: number;
}

async function set(name: string, options: Draft): Promise<void> {
  const claims = await readClaims(options);
  await withService(options.audit, async (service) => {
    const draft = { name, claims, lifetimeSeconds: options.lifetime };
    const template = await service.get(JwtTemplatesService).put(OPERATOR, draft);
    const sentence = `Template ${name} is set; its tokens are good for ${template.lifetimeSeconds} seconds`;
    new Output(options.json).done([sentence], shown(template));
  });
}

async function list(options: Common): Promise<void> {
  await withService(options.audit, async (service) => {
    for (const template of await service.get(JwtTemplatesService).list()) {
      const { name, lifetimeSeconds, claims } = template;
      const line = `${name}  ${lifetimeSeconds} s  ${Object.keys(claims).join(', ')}`;
      new Output(options.json).done([line], shown(template));
    }
  });
}

async function show(name: string, options: Common): Promise<void> {
  await withService(options.audit, async (service) => {
    const template = await service.get(JwtTemplatesService).read(name);
    new Output(options.json).done(JSON.stringify(template.claims, null, 2).split('\n'), shown(template));
  });
}

async function remove(name: string, options: Common): Promise<void> {
  await withService(options.audit, async (service) => {
    await service.get(JwtTemplatesService).remove(OPERATOR, name);
    new Output(options.json).done([`Template ${name} is removed`], { name });
  });
}

async function readClaims({ claims, file }: Draft): Promise<unknown> {
  if ((claims === undefined) === (file === undefined)) throw new UsageError('Give either --claims or --file');
  const text = claims ?? (await readText(file!));
  try {
    return parseStrictJson(text);
  } catch {
    throw new UsageError('The claims are not valid JSON, or name one member twice');
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    throw new FileError('The file of the claims cannot be read');
  }
}

function readSeconds(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new InvalidArgumentError('A lifetime is a number of seconds.');
  return Number(text);
}

function shown({ name, claims, lifetimeSeconds, createdAt, updatedAt }: JwtTemplate): object {
  return { name, claims, lifetime_seconds: lifetimeSeconds, created_at: createdAt, updated_at: updatedAt };
}
