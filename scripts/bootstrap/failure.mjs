/** A failure a person can act on: one sentence and what to do, without a stack. */
export class Failure extends Error {
  /**
   * @param {string} code one of the codes of packages/kit/src/error-codes.ts
   * @param {string} message what failed, on what, why
   * @param {string} hint what to do next
   */
  constructor(code, message, hint) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

/** Runs a script's main function; a Failure is printed as its sentence, anything else with its stack. Both exit 1. */
export async function main(act) {
  try {
    process.exitCode = await act();
  } catch (error) {
    if (error instanceof Failure) console.error(`\ntidemark: ${error.message} (${error.code})\n  → ${error.hint}`);
    else if (error?.code === "ENOSPC")
      console.error(`\ntidemark: the disk is full (disk-full)\n  → free some space and try again`);
    else console.error(error);
    process.exitCode = 1;
  }
}
