import { AppError } from "@tidemark/kit";
import type { Asker } from "./asker.ts";

/** What synchronous_standby_names asks for. */
export interface SynchronousStandbys {
  /** The setting as it stands. */
  readonly text: string;
  /** `none`: empty. `priority`: the first `count` of the list that stream. `quorum`: any `count` of them. */
  readonly method: "none" | "priority" | "quorum";
  /** How many must confirm each commit; 0 for `none`. */
  readonly count: number;
  /** application_names, matched without regard to case (syncrep.c); `*` stands for every one. */
  readonly names: readonly string[];
}

/** Needs: any login. */
export async function readSynchronousStandbys(asker: Asker): Promise<SynchronousStandbys> {
  const [row] = await asker.query<{ readonly text: string }>(
    "SELECT pg_catalog.current_setting('synchronous_standby_names') AS text",
  );
  if (row === undefined) throw new AppError("protocol-violation", { message: "the server gave no setting" });
  return parseSynchronousStandbyNames(row.text);
}

/**
 * Reads a value of synchronous_standby_names by the server's own grammar, which is the same in 13–18
 * (src/backend/replication/syncrep_gram.y and syncrep_scanner.l):
 *
 *     list | n (list) | FIRST n (list) | ANY n (list)
 *
 * where an element is an identifier, a number, `*`, or anything in double quotes (doubled inside).
 *
 * @throws AppError `setting-invalid` for what the server would refuse, too.
 */
export function parseSynchronousStandbyNames(text: string): SynchronousStandbys {
  // syncrep.c, check_synchronous_standby_names: only the empty string is none; blanks alone are an error.
  if (text === "") return { text, method: "none", count: 0, names: [] };
  const tokens = new Tokens(text);
  const first = tokens.next();
  if (first.kind === "any" || first.kind === "first") {
    const count = countOf(tokens.expect("number"), text);
    return { text, method: first.kind === "any" ? "quorum" : "priority", count, names: parenthesised(tokens) };
  }
  if (first.kind === "number" && tokens.peek().kind === "(") {
    return { text, method: "priority", count: countOf(first, text), names: parenthesised(tokens) };
  }
  const names = list(tokens, first);
  tokens.expect("end");
  return { text, method: "priority", count: 1, names };
}

/** The shortest value of synchronous_standby_names that means this. */
export function encodeSynchronousStandbyNames(wanted: Omit<SynchronousStandbys, "text">): string {
  if (wanted.method === "none") return "";
  const names = wanted.names.map(encodeName).join(", ");
  if (wanted.method === "priority" && wanted.count === 1) return names;
  return `${wanted.method === "quorum" ? "ANY" : "FIRST"} ${wanted.count} (${names})`;
}

function encodeName(name: string): string {
  const isBare = name === "*" || (identifierOnly.test(name) && !/^(any|first)$/i.test(name));
  return isBare ? name : `"${name.replaceAll('"', '""')}"`;
}

function parenthesised(tokens: Tokens): string[] {
  tokens.expect("(");
  const names = list(tokens, tokens.next());
  tokens.expect(")");
  tokens.expect("end");
  return names;
}

function list(tokens: Tokens, first: Token): string[] {
  const names = [nameOf(first, tokens.text)];
  while (tokens.peek().kind === ",") {
    tokens.next();
    names.push(nameOf(tokens.next(), tokens.text));
  }
  return names;
}

/** A number may be a name, too (standby_name: NAME | NUM). */
function nameOf(token: Token, text: string): string {
  if (token.kind === "name" || token.kind === "number") return token.value;
  throw refused(text, token);
}

/** syncrep.c: the number must be greater than zero; the server reads it as an int. */
function countOf(token: Token, text: string): number {
  const count = Number(token.value);
  if (count < 1 || count > 2 ** 31 - 1) throw refused(text, token);
  return count;
}

interface Token {
  readonly kind: "name" | "number" | "any" | "first" | "," | "(" | ")" | "end";
  readonly value: string;
}

/** syncrep_scanner.l: `space` (a vertical tab since 16), `identifier`, `digit`; any byte above 127 is a letter. */
const space = /[ \t\n\r\f\v]+/y;
const identifier = /[A-Za-z_\u0080-\u{10ffff}][A-Za-z_0-9$\u0080-\u{10ffff}]*/uy;
const identifierOnly = new RegExp(`^${identifier.source}$`, "u");
const number = /[0-9]+/y;
const quoted = /"((?:[^"]|"")*)"/y;

class Tokens {
  readonly text: string;
  #at = 0;
  #peeked: Token | null = null;

  constructor(text: string) {
    this.text = text;
  }

  peek(): Token {
    this.#peeked ??= this.#scan();
    return this.#peeked;
  }

  next(): Token {
    const token = this.peek();
    this.#peeked = null;
    return token;
  }

  expect(kind: Token["kind"]): Token {
    const token = this.next();
    if (token.kind !== kind) throw refused(this.text, token);
    return token;
  }

  #scan(): Token {
    this.#match(space);
    if (this.#at === this.text.length) return { kind: "end", value: "" };
    const word = this.#match(identifier)?.[0];
    if (word !== undefined) {
      const keyword = word.toLowerCase();
      const kind = keyword === "any" || keyword === "first" ? keyword : "name";
      return { kind, value: word };
    }
    const digits = this.#match(number)?.[0];
    if (digits !== undefined) return { kind: "number", value: digits };
    const inside = this.#match(quoted)?.[1];
    if (inside !== undefined) return { kind: "name", value: inside.replaceAll('""', '"') };
    const mark = this.text.charAt(this.#at);
    this.#at++;
    if (mark === "*") return { kind: "name", value: mark };
    if (mark === "," || mark === "(" || mark === ")") return { kind: mark, value: mark };
    throw refused(this.text, { kind: "end", value: mark });
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.text);
    if (match !== null) this.#at = pattern.lastIndex;
    return match;
  }
}

function refused(text: string, token: Token): AppError {
  const where = token.value === "" ? "at its end" : `at "${token.value}"`;
  return new AppError("setting-invalid", {
    message: `synchronous_standby_names = '${text}' is not understood ${where}`,
  });
}
