import './typescript.js';

/** Jest loads this file as it is, without its transforms. */
export default async function setUp() {
  const { startRig } = await import('./rig.ts');
  await startRig();
}
