import process from 'node:process';

/** Ends a run with one plain line of counts, for whatever reads the output of `.ci/run`. */
export default class ClosingLineReporter {
  onRunComplete(_, results) {
    // A file that could not even be loaded has no tests that failed, and is no success.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    const more = skipped > 0 ? `, ${skipped} skipped` : '';
    // The summary of Jest is written to standard error when the run is complete: this line follows it.
    process.once('exit', () => {
      process.stdout.write(`${results.numPassedTests} passed, ${failed} failed${more}\n`);
    });
  }
}
