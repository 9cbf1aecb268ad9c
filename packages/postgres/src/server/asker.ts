import type { QuestionOptions } from "../session/sql-session.ts";
import type { SqlParameter } from "../session/sql-values.ts";

/** Whoever can put a question to the server; an SqlSession is one. Questions are single statements with parameters. */
export interface Asker {
  query<Row extends object>(
    text: string,
    parameters?: readonly SqlParameter[],
    options?: QuestionOptions,
  ): Promise<Row[]>;
}

/** An asker that also takes values in PostgreSQL's binary format: bytea as its bytes, without the hex. */
export interface BinaryAsker extends Asker {
  queryBinary(
    text: string,
    parameters?: readonly SqlParameter[],
    options?: QuestionOptions,
  ): Promise<(Buffer | null)[][]>;
}

/** A fact this role may not read, or not whole. */
export interface UnreadableSection {
  readonly section: string;
  readonly code: string;
  readonly message: string;
}
