import { CodeBlock } from "#ui/code-block.tsx";

interface Props {
  readonly serverName: string;
}

/** What is to be done on a server's host, so that it hands its WAL over (docs/wal-on-the-host.md). */
export function PushSetUp({ serverName }: Props) {
  const file = `/etc/tidemark/${serverName}.json`;
  return (
    <div className="space-y-3 text-sm">
      <p>
        On the server's host, where the <code>tidemark</code> command is installed, with TIDEMARK_URL and TIDEMARK_TOKEN
        set. It writes the settings with a key for this server's WAL alone, and prints archive_command with the
        command's full path:
      </p>
      <CodeBlock what="command" text={`tidemark server host-config ${serverName} --to ${file} --owner postgres`} />
      <CodeBlock
        what="postgresql.conf"
        hint="archive_mode takes effect after a restart"
        text={`archive_mode = on\narchive_command = 'tidemark wal push --config ${file} %p'\narchive_timeout = 60`}
      />
    </div>
  );
}
