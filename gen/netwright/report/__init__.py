"""A network and what is proved of it as one page: the picture, flows hop by hop, who reaches whom, findings."""
