"""What a pull request shows of a change: the engine's preview, read by codes and fields, as a reviewer's page.

`preview` reads `pulumi preview --json`, `changes` says what differs, `resources` puts it into the words of the admin
centres, `content` arranges it, `markdown` and `terminal` write it, `digest` names what was approved.
"""
