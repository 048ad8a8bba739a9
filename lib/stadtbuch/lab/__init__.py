"""JupyterLab with everything switched on: early warnings, completion, templates, outputs stripped on save."""
