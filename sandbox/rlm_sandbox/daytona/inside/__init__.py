"""The part of us that lies in the sandbox: keeps blobs, and carries a runner's bytes over a terminal.

Uploaded as it is and run by the sandbox's own Python, so: standard library only, and no import from outside this
folder. The host uses `stream` too; what is said from inside is as little believed as anything else from there.
"""
