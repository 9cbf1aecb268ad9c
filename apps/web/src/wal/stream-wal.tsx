"use client";
import { useRouter } from "next/navigation";
import { useAct } from "#lib/use-act.ts";
import { UpdateServer } from "#servers/update-server.ts";
import { Button } from "#ui/button.tsx";
import { CodeBlock } from "#ui/code-block.tsx";
import { ErrorPanel } from "#ui/error-panel.tsx";
import { Panel } from "#ui/panel.tsx";

interface Props {
  readonly server: { readonly id: string; readonly name: string };
}

/** Of a server whose WAL nobody keeps: what that means, and the way to every instant. */
export function StreamWal({ server }: Props) {
  const router = useRouter();
  const { act, pending, problem } = useAct(UpdateServer);
  const stream = async () => {
    if ((await act({ input: { id: server.id, walMode: "STREAM" } })) !== null) router.refresh();
  };
  return (
    <Panel title="Not kept">
      <div className="space-y-4">
        <p className="text-sm">
          Nobody keeps this server's WAL here. Streaming it needs nothing on its host but a replication slot, which a
          worker makes, and which keeps WAL there until it is with us.
        </p>
        <CodeBlock what="command" text={`npx tidemark server wal ${server.name} stream`} />
        {problem !== null && <ErrorPanel announce title="Its WAL is not streamed" problem={problem} />}
        <Button tone="primary" pending={pending} onClick={() => void stream()}>
          Stream its WAL
        </Button>
      </div>
    </Panel>
  );
}
