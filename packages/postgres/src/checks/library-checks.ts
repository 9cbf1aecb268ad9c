import { check, found, ok } from "./check.ts";

const extensionLibraries = check({
  id: "extension-libraries",
  title: "Extensions need no libraries beyond PostgreSQL's own",
  problem: "Extensions need libraries beyond PostgreSQL's own",
  severity: "note",
  read: "pg_proc.probin in this database, shared_preload_libraries",
  required: "libraries of PostgreSQL and its contrib modules",
  why: "a restored server needs the same libraries: without a preloaded one it does not start, without another its functions fail",
  parts: ["libraries", "settings"],
  judge({ libraries, settings }) {
    const preloaded = (settings.text("shared_preload_libraries") ?? "")
      .split(",")
      .map((name) => name.trim().replaceAll('"', ""));
    const used = new Map<string, string>();
    for (const { library, extension, version } of libraries) {
      used.set(library, extension === null ? library : `${extension} ${version} (${library})`);
    }
    for (const name of preloaded) if (name !== "") used.set(name, used.get(name) ?? `${name} (preloaded)`);
    const foreign = [...used].filter(([library]) => !isOwn(library)).map(([, told]) => told);
    if (foreign.length === 0) return ok(used.size === 0 ? "none" : `${used.size}, all of PostgreSQL's own`);
    return found(foreign.join(", "), {
      advice:
        "nothing has to change: they are recorded with each backup. Have the same packages on the machines you restore to",
    });
  },
});

function isOwn(library: string): boolean {
  const name = library.replace(/^\$libdir\//, "").replace(/\.(?:so|dylib|dll)$/, "");
  return ownLibraries.has(name);
}

/** contrib/ and src/pl/ of 13 … 18; they come with the server's packages. */
const ownLibraries: ReadonlySet<string> = new Set(
  `adminpack amcheck auth_delay auto_explain autoinc basebackup_to_shell basic_archive bloom bool_plperl btree_gin
   btree_gist citext cube dblink dict_int dict_xsyn earthdistance file_fdw fuzzystrmatch hstore hstore_plperl
   hstore_plpython2 hstore_plpython3 insert_username _int isn jsonb_plperl jsonb_plpython2 jsonb_plpython3 lo ltree
   ltree_plpython2 ltree_plpython3 moddatetime old_snapshot pageinspect passwordcheck pg_buffercache pg_freespacemap
   pg_logicalinspect pg_overexplain pg_prewarm pg_stat_statements pg_surgery pg_trgm pg_visibility pg_walinspect
   pgcrypto pgoutput pgrowlocks pgstattuple pgxml plperl plpgsql plpython2 plpython3 pltcl postgres_fdw refint seg
   sepgsql sslinfo tablefunc tcn test_decoding tsm_system_rows tsm_system_time unaccent uuid-ossp`.split(/\s+/),
);

export const libraryChecks = [extensionLibraries];
