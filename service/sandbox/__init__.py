"""Reading a stranger's document in a process that may die.

``confinement`` takes rights and memory away from a process, ``reader`` reads one document there and sends its pages,
``zygote`` is the process that such readers are forked from, ``messages`` what the processes say to each other, and
``documents`` the service's side of it: a document whose pages come from a reader.
"""
