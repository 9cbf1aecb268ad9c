import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { cache } from "react";
import { BackupOfPage } from "#backups/backup-query.ts";
import { BackupView } from "#backups/backup-view.tsx";
import { load } from "#lib/server-query.ts";
import { PageProblem } from "#shell/page-problem.tsx";

interface Props {
  readonly params: Promise<{ readonly id: string }>;
}

const loadBackup = cache((id: string) => load(BackupOfPage, { id }));

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const loaded = await loadBackup((await params).id);
  const backup = loaded.ok ? loaded.value.backup : null;
  return {
    title:
      backup === null
        ? "Backup"
        : `Backup of ${backup.server.name}, ${backup.startedAt.slice(0, 16).replace("T", " ")} UTC`,
  };
}

export default async function BackupPage({ params }: Props) {
  const loaded = await loadBackup((await params).id);
  if (!loaded.ok) return <PageProblem title="Backup" problem={loaded.problem} />;
  if (loaded.value.backup === null) notFound();
  return <BackupView backup={loaded.value.backup} />;
}
