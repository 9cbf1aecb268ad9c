import type { AuthMethod, HostAddress, RequiredAuth } from "./connection-settings.ts";

/** Reads the values of a connection string by key, and collects what is wrong with them. An empty value is none. */
export class DsnValues {
  readonly problems: string[] = [];
  readonly #pairs: ReadonlyMap<string, string>;

  constructor(pairs: ReadonlyMap<string, string>) {
    this.#pairs = pairs;
  }

  text(key: string): string | null {
    const value = this.#pairs.get(key);
    return value === undefined || value === "" ? null : value;
  }

  choice<T extends string>(key: string, choices: readonly T[], fallback: T): T {
    const value = this.text(key);
    if (value === null) return fallback;
    const found = choices.find((choice) => choice === value);
    if (found === undefined) this.problems.push(`${key} must be one of ${choices.join(", ")}`);
    return found ?? fallback;
  }

  /** `0` or `1`. */
  flag(key: string, fallback: boolean): boolean {
    return this.choice(key, ["0", "1"], fallback ? "1" : "0") === "1";
  }

  /** A whole number; 0 and negative values mean none, as in libpq. */
  count(key: string, unit: string): number | null {
    const value = this.text(key);
    if (value === null) return null;
    if (!/^[+-]?\d{1,9}$/.test(value)) {
      this.problems.push(`${key} must be whole ${unit}`);
      return null;
    }
    return Number(value) <= 0 ? null : Number(value);
  }

  /** host, hostaddr and port are lists that go together; one port may serve all hosts. */
  hosts(): HostAddress[] {
    const { problems } = this;
    const hostaddr = this.text("hostaddr");
    const addresses = hostaddr?.split(",") ?? [];
    const names = this.text("host")?.split(",") ?? addresses;
    const ports = this.text("port")?.split(",") ?? [];
    if (names.length === 0) problems.push("no host is given");
    if (hostaddr !== null && addresses.length !== names.length)
      problems.push("host and hostaddr have different lengths");
    if (ports.length > 1 && ports.length !== names.length) problems.push("host and port have different lengths");
    return names.map((name, index) => {
      const hostAddress = addresses[index] ?? "";
      if (name === "" && hostAddress === "") problems.push("a host is empty");
      if (name.startsWith("@")) problems.push("sockets in the abstract namespace are not supported");
      return {
        host: name === "" ? hostAddress : name,
        hostAddress: hostAddress === "" ? null : hostAddress,
        port: this.#port(ports[ports.length === 1 ? 0 : index] ?? ""),
      };
    });
  }

  /** Not quoted while nobody is named: in a URI that lacks its `@` it is the password. */
  #port(text: string): number {
    const number = text === "" ? 5432 : Number(text);
    if (!/^\d*$/.test(text) || number < 1 || number > 65_535)
      this.problems.push(this.text("user") === null ? "a port is not a number" : `"${text}" is not a port`);
    return number;
  }

  /** `scram-sha-256,none`, or with `!` before every method: those are refused. */
  requiredAuth(): RequiredAuth | null {
    const value = this.text("require_auth");
    if (value === null) return null;
    const items = value.split(",").map((item) => item.trim());
    const names = items.map((item) => item.replace(/^!/, ""));
    const forbidden = items.filter((item) => item.startsWith("!")).length;
    if (forbidden !== 0 && forbidden !== items.length)
      this.problems.push('require_auth must have "!" before every method or before none');
    const methods = authMethods.filter((method) => names.includes(method));
    if (methods.length !== names.length)
      this.problems.push(`require_auth must list methods of ${authMethods.join(", ")}, each once`);
    return { allow: forbidden === 0, methods };
  }
}

const authMethods: readonly AuthMethod[] = ["password", "md5", "gss", "sspi", "scram-sha-256", "oauth", "none"];
