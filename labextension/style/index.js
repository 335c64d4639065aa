import '../../dfbackup_jupyter/ui/results.css';
import './base.css';
