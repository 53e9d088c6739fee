import { KEYS } from '../../src/config.js';

/** The configuration table of README.md, as src/config.ts has it: name, sentence, default. */
export function configTable(): string {
  const rows = Object.entries(KEYS).map(
    ([name, { sentence, shownDefault }]) => `| \`${name}\` | ${sentence} | ${shownOrEmpty(shownDefault)} |`,
  );
  return ['| Key | What it is | Default |', '| --- | --- | --- |', ...rows].join('\n');
}

function shownOrEmpty(shownDefault: string): string {
  return shownDefault === '' ? '' : `\`${shownDefault}\``;
}
