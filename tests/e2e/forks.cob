      *> SPDX-License-Identifier: Apache-2.0
      *> A program that forks between two calls of "JETON"; parent and
      *> child call it again, and the child closes.
       IDENTIFICATION DIVISION.
       PROGRAM-ID. FORKS.
       DATA DIVISION.
       WORKING-STORAGE SECTION.
       COPY JETON.
       01  CHILD                       PIC S9(9) COMP-5.
       PROCEDURE DIVISION.
       MAIN-PART.
           PERFORM ASK-ONE
           CALL "CBL_GC_FORK" RETURNING CHILD
           IF CHILD = 0
               PERFORM ASK-ONE
               SET JETON-CLOSE TO TRUE
               CALL "JETON" USING JETON-AREA
               STOP RUN
           END-IF
           CALL "CBL_GC_WAITPID" USING CHILD
           IF RETURN-CODE NOT = 0 DISPLAY "THE CHILD FAILED" END-IF
           PERFORM ASK-ONE
           DISPLAY "DONE"
           STOP RUN.
       ASK-ONE.
           SET JETON-TOKENIZE TO TRUE
           MOVE "pan" TO JETON-FIELD
           MOVE "4111111111111111" TO JETON-VALUE
           CALL "JETON" USING JETON-AREA
           IF NOT JETON-DONE
               DISPLAY JETON-MESSAGE
               STOP RUN
           END-IF.
