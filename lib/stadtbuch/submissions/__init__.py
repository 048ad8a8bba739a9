"""
What citizens send in: received as inert bytes, inspected, re-run in a sandbox, decided by a person, shown.

::

    received -> inspected -> rerun -> accepted | rejected -> withdrawn        (model.submission.Stage)

`notebooks` is the gate before anything else (pure), `inbox` the spool on disk, `inspection` says without running
what a notebook uses, `rerun` runs it in the sandbox on explicit order, `review` is a person's decision, and
`showcase` makes what the public page shows safe.

The spool, below ``var/spool/submissions/<receipt number>/`` (folders 0700, files 0600, never opened by Intake)::

    submission.json   model.submission.Submission: number, day, digest and size of the content, credit, licence,
                      consent, digest of the withdrawal secret
    contact.json      the address for the answer and when it is deleted; a file of its own, so that deleting is
                      one step
    original.bin      the notebook, byte for byte as it was sent; a mail around it is not kept
    inspection.json   model.submission.Inspection, with the digest of the content it is about
    rerun.json        model.submission.Rerun, with the digest of the content and of rerun.ipynb
    rerun.ipynb       the rebuilt notebook with OUR outputs; nbformat 4
    status            model.submission.Status as JSON: the stage, since when, decided by which role, why

A folder appears in one step (written beside, then renamed). What is wrong with a folder never stops the others.

The re-run, ``rerun.rerun(city, number) -> model.submission.Rerun``, takes the bytes from ``inbox.original``, lets them
through ``notebooks.read``, grants the open datasets among ``inbox.inspection(held).uses``, and leaves its result to
``inbox.record_rerun(city, number, made, executed)``, which writes the two files, moves the stage and enters it into
the book; nobody but `inbox` writes into the spool. The executed notebook keeps the ids ``cell-<number>``; of its
outputs the page shows text/plain, text/html, text/markdown, image/png, image/svg+xml, streams and errors.
"""
