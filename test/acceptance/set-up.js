import process from 'node:process';
import '../support/typescript.js';

/** Jest loads this file as it is, without its transforms. */
export default async function setUp() {
  const { visit, Unfit } = await import('./target.ts');
  try {
    const target = await visit(process.env);
    process.env.LATCHKEY_ACCEPTANCE = JSON.stringify(target);
    process.stderr.write(`${target.greeting}\n`);
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    process.stderr.write(`The acceptance suite cannot start: ${error.message}\n`);
    process.exit(2); // without the stack that Jest would print
  }
}
