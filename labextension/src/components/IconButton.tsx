import type { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

type Props = {
  icon: LabIcon;
  label: string;
  onClick: () => void;
  disabled?: boolean;
  pressed?: boolean;
  /** Whether the label is shown beside the icon. */
  wide?: boolean;
};

/** A small button with an icon. */
export function IconButton({
  icon,
  label,
  onClick,
  disabled,
  pressed,
  wide
}: Props): React.JSX.Element {
  return (
    <button
      type="button"
      className={wide ? 'dfb-Button' : 'dfb-Button dfb-mod-icon'}
      title={label}
      aria-label={label}
      aria-pressed={pressed}
      disabled={disabled}
      onClick={event => {
        event.stopPropagation();
        onClick();
      }}
    >
      <icon.react tag="span" className="dfb-Button-icon" width="16px" aria-hidden="true" />
      {wide && <span>{label}</span>}
    </button>
  );
}
