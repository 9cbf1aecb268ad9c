/**
 * What to paste where so that something that was found wrong is right; exact, for this role, this client and this
 * server. At least one of `sql`, `settings`, `hba` and `advice` is given; with several, all of them are needed unless
 * the advice says "or".
 */
export interface Remedy {
  /**
   * Complete: run as it is, statement by statement, by a superuser. When it changes settings that only need a reload it
   * ends in `SELECT pg_reload_conf();`, and `needs` is left out.
   */
  readonly sql?: string;
  /** Lines of postgresql.conf. */
  readonly settings?: string;
  /** Lines to put at the top of pg_hba.conf: the first line that matches counts. */
  readonly hba?: string;
  /** In words: what to change in our own connection string, or elsewhere. */
  readonly advice?: string;
  /** What the server needs afterwards. */
  readonly needs?: "reload" | "restart";
}
