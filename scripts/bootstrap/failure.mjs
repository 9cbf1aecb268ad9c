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

/** Runs a script's main function, which gives the exit code; what it throws is printed and means 1. */
export async function main(act) {
  try {
    process.exitCode = await act();
  } catch (error) {
    printFailure(error);
    process.exitCode = 1;
  }
}

/** A Failure as its sentence and what to do; anything else, being a bug, with its stack. */
export function printFailure(error) {
  const known = error?.code === "ENOSPC" ? diskFull : error;
  if (known instanceof Failure) console.error(`\ntidemark: ${known.message} (${known.code})\n  → ${known.hint}`);
  else console.error(known);
}

const diskFull = new Failure("disk-full", "the disk is full", "free some space and try again");
