import { Button } from '@mantine/core';
import { IconTablePlus } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import type { NewSheet } from '../../engine/spec/new-sheet.ts';
import { useApp, useProject } from '../app.ts';
import { EmptyState } from '../ui/empty-state.tsx';

/** Stands in the place of a sheet that the workbook lacks, and makes it. */
export function MissingSheet({ sheet, icon, children }: { sheet: NewSheet; icon: ReactNode; children: ReactNode }) {
  const { project, window } = useApp();
  const canCreate = useProject(() => project.canCreate(sheet));
  const unreadable = useProject(({ document }) => {
    return document?.fileFindings.find((finding) => finding.code.startsWith('WORKBOOK_') || finding.sheet === sheet);
  });
  if (!canCreate) {
    return (
      <EmptyState icon={icon} title={`The sheet ${sheet} could not be read`}>
        {unreadable?.message} {unreadable?.hint}
      </EmptyState>
    );
  }
  return (
    <EmptyState
      icon={icon}
      title={`This workbook has no sheet ${sheet}`}
      actions={
        <Button
          leftSection={<IconTablePlus size={14} />}
          onClick={() => {
            project.createSheet(sheet);
            window.announce(`Sheet ${sheet} is made. Save to keep it.`);
          }}
        >
          Create the sheet
        </Button>
      }
    >
      {children}
    </EmptyState>
  );
}
