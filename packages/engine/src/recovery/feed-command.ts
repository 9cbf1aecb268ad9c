/** Folders and files of a feed's spool; the shell side and the Node side meet here and nowhere else. */
export const spoolNames = {
  /** Whole files under the names PostgreSQL asks for, put there by a rename. */
  ready: "ready",
  /** One empty file per question: `<file>,<pid of the asking shell>`, or `<file>,took` when one was moved away. */
  want: "want",
  /** One file per answer that is not a file: `none`, or `error` and a sentence. */
  answer: "answer",
  /** `<pid> <count>`, counted up every second by the process that fills the spool. */
  alive: "alive",
  /** The slow path. */
  script: "fetch.sh",
} as const;

/** What the slow path ends with for "the archive has no such file": no shell ends with it on its own account. */
const notThereExit = 3;

/**
 * The restore_command: in the usual case the file is there and two commands move it, without a further shell. Every
 * other case goes to the slow path, whose end is turned into what PostgreSQL understands (xlogarchive.c,
 * RestoreArchivedFile): 0 is there, 1 is not there, and anything above 125 ends the recovery. What a missing script, a
 * shell that failed or a signal ends with must never be taken for "not there".
 */
export function restoreCommand(spool: string): string {
  const { ready, want, script } = spoolNames;
  return [
    // PostgreSQL reads every percent sign: those of the path are doubled.
    `s=${shellQuoted(spool).replaceAll("%", "%%")}`,
    // Not `:`, a special builtin, whose failed redirection would end the shell.
    `if test -e "$s/${ready}/%f" && mv -f "$s/${ready}/%f" "%p" 2>/dev/null; then true > "$s/${want}/%f,took"; exit 0; fi`,
    `/bin/sh "$s/${script}" "%f" "%p"`,
    `case $? in 0) exit 0;; ${notThereExit}) exit 1;; esac`,
    "exit 200",
  ].join("; ");
}

/** The slow path: asks, and waits for the file or an answer as long as the process that fills the spool lives. */
export function fetchScript(spool: string): string {
  const { ready, want, answer, alive } = spoolNames;
  return `# Hands one WAL file to PostgreSQL's recovery. Ends with 0: it is there; ${notThereExit}: the archive has no such
# file; 200: it could not be asked. POSIX shell; run by restore_command.
s=${shellQuoted(spool)}
file=$1
to=$2
ask="$file,$$"
refuse() {
  echo "tidemark: $file: $1" >&2
  test -z "$hint" || echo "  $hint" >&2
  rm -f "$s/${want}/$ask" 2>/dev/null
  exit 200
}
# kill -0 says nothing about a process of another account or another container, and ps is not everywhere: only what is
# sure counts here; the count in "${alive}" decides the rest.
gone() {
  kill -0 "$1" 2>/dev/null && return 1
  test -d /proc/1 && test ! -d "/proc/$1" && test "$(stat -L -c %i /proc/self/ns/pid 2>/dev/null)" = "$space"
}
hint=
rm -f "$s/${answer}/$ask" 2>/dev/null
asked=
test -e "$s/${alive}" && read -r asked now space < "$s/${alive}"
true 2>/dev/null > "$s/${want}/$ask" || refuse "the process that fetches WAL has ended"
tick=0.05
patience=600
beat=
quiet=0
while :; do
  if test -e "$s/${ready}/$file"; then
    mv -f "$s/${ready}/$file" "$to" || refuse "it cannot be moved to $to"
    rm -f "$s/${want}/$ask" 2>/dev/null
    true 2>/dev/null > "$s/${want}/$file,took"
    exit 0
  fi
  if test -e "$s/${answer}/$ask"; then
    { read -r kind sentence; read -r hint; } < "$s/${answer}/$ask"
    rm -f "$s/${answer}/$ask"
    test "$kind" = none && exit ${notThereExit}
    refuse "$sentence"
  fi
  pid=
  test -e "$s/${alive}" && read -r pid now space < "$s/${alive}"
  test -n "$pid" || refuse "the process that fetches WAL has ended"
  # Another one took its place, with a spool of its own making: what the first was asked is lost.
  if test "$pid" != "$asked"; then
    asked=$pid
    true 2>/dev/null > "$s/${want}/$ask" || refuse "the process that fetches WAL has ended"
  fi
  if test "$now" = "$beat"; then quiet=$((quiet + 1)); else quiet=0; beat=$now; fi
  if test $quiet -gt $patience || gone "$pid"; then
    refuse "the process that fetches WAL (pid $pid) is gone"
  fi
  # A fraction of a second is no POSIX, but known nearly everywhere.
  sleep $tick 2>/dev/null || { tick=1; patience=30; sleep 1; }
done
`;
}

/** The slow path when there is no feed any more, and nothing to be asked for. */
export const nothingScript = `# The recovery stands where it shall end: there is nothing more for it.\nexit ${notThereExit}\n`;

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
