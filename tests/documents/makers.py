"""Documents of each format, made by the tests."""

import zipfile
from pathlib import Path


def pdf(path: Path, pages: list[str], password: str = "") -> Path:
    """A PDF with a line of text a line; written by hand, as pypdf does not write text."""
    from pypdf import PdfReader, PdfWriter

    objects = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects.append(f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode())
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    for number, text in enumerate(pages):
        shown = "".join(f"({line}) Tj T* " for line in text.splitlines())
        stream = f"BT /F1 12 Tf 14 TL 72 720 Td {shown}ET".encode("latin-1")
        font = "<< /Font << /F1 3 0 R >> >>"
        box = f"/MediaBox [0 0 612 792] /Resources {font} /Contents {5 + 2 * number} 0 R"
        objects.append(f"<< /Type /Page /Parent 2 0 R {box} >>".encode())
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    data, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start, size = len(data), len(objects) + 1
    data += b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
    data += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (size, start)
    path.write_bytes(data)
    if password:
        writer = PdfWriter(clone_from=PdfReader(path))
        writer.encrypt(password, algorithm="RC4-128")
        writer.write(path)
    return path


def docx(path: Path) -> Path:
    """A Word file with headings of two levels, paragraphs and a table."""
    import docx as word

    made = word.Document()
    made.add_heading("Travel", 1)
    made.add_paragraph("Go by train.")
    made.add_heading("Hotels", 2)
    table = made.add_table(2, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "city", "most"
    table.cell(1, 0).merge(table.cell(1, 1)).text = "elsewhere 110"
    made.add_paragraph("Breakfast is part of it.")
    made.save(str(path))
    return path


def bomb(path: Path) -> Path:
    """A small file that unpacks to a gigabyte, called a Word file."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed,
        packed.open("word/document.xml", "w") as file,
    ):
        for _ in range(1024):
            file.write(bytes(2**20))
    return path
